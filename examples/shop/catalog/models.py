"""Products, their category, their tags (an automatic join table), and a proxy."""

from django.db import models


class Category(models.Model):
    """A shelf of the shop; two are there from the start (a data migration)."""

    name = models.CharField(max_length=80, unique=True)

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word to find products by."""

    word = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.word


class Product(models.Model):
    """Something to buy, known elsewhere by its article number."""

    article = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    category = models.ForeignKey(Category, on_delete=models.PROTECT)
    tags = models.ManyToManyField(Tag, blank=True)

    def __str__(self) -> str:
        return self.name


class Bargain(Product):
    """A product as the sales page sees it."""

    class Meta:
        """Not a table of its own."""

        proxy = True
