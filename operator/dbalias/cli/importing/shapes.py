"""Routers that can be understood: their source, computed with names instead of models.

What a router computes with is compared to constants, looked up in constants, or chosen from them
with ``random.choice``: whatever else its source does raises NotUnderstoodError. So an app that it
never mentions is treated like any other that it never mentions, and asking about every name it
mentions, and one that it does not, tells all that it will ever answer.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbalias.cli.importing.operations import Hints, attribute_of, beyond, choose, holds, look_up
from dbalias.cli.importing.router_source import ModelName, Router, RouterClass
from dbalias.cli.importing.values import Known

DEEPEST = 20
"""Calls of a router's own methods within each other."""


def ask(router: Router, method: str, *arguments: Any) -> Any:
    """Return what a method answers: None, a text, a truth or a Pool."""
    found = router.method(method)
    return None if found is None else _Call(router, *found, depth=0).run([_This(), *arguments])


class _This:
    """``self``, or the router's class by its name."""


class _Returned(Exception):  # noqa: N818  (no error: a method's ``return``)
    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value


class _Call:
    """One call of a method: its statements, its expressions, and its local names."""

    def __init__(
        self, router: Router, kind: RouterClass, method: ast.FunctionDef, *, depth: int
    ) -> None:
        self._router = router
        self._kind = kind
        self._method = method
        self._depth = depth
        self._locals: dict[str, Any] = {}
        self._expressions: Mapping[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.List: lambda node: [self.value(item) for item in node.elts],
            ast.Tuple: lambda node: [self.value(item) for item in node.elts],
            ast.Set: lambda node: frozenset(self.value(item) for item in node.elts),
            ast.Dict: self._dictionary,
            ast.UnaryOp: self._not,
            ast.BoolOp: self._either,
            ast.IfExp: lambda node: self.value(node.body if self._is(node.test) else node.orelse),
            ast.Compare: self._compare,
            ast.Subscript: lambda node: look_up(
                node, self.value(node.value), self.value(node.slice)
            ),
            ast.BinOp: self._sum,
            ast.Call: self._call,
        }

    def run(self, arguments: Sequence[Any]) -> Any:
        """Bind the arguments by place and compute the answer."""
        if self._depth > DEEPEST:
            raise beyond(self._method, "calls without end")
        self._bind(arguments)
        try:
            self._all(self._method.body)
        except _Returned as returned:
            return returned.value
        return None

    def _bind(self, arguments: Sequence[Any]) -> None:
        node, given = self._method, self._method.args
        if node.decorator_list or given.vararg or given.kwonlyargs or given.posonlyargs:
            raise beyond(node, "a signature")
        if given.kwarg:
            self._locals[given.kwarg.arg] = Hints()
        names = [one.arg for one in given.args]
        defaults = dict(zip(reversed(names), reversed(given.defaults), strict=False))
        self._locals |= dict(zip(names, arguments, strict=False))
        for name in names[len(arguments) :]:
            # What Django does not give by place, it may give as a hint.
            is_hint = self._depth == 0 or name not in defaults
            self._locals[name] = Hints() if is_hint else self.value(defaults[name])

    def _all(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return():
                raise _Returned(None if node.value is None else self.value(node.value))
            case ast.If(test=test, body=body, orelse=other):
                self._all(body if self._is(test) else other)
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._locals[name] = self.value(value)
            case _:
                raise beyond(node, "a statement")

    def _is(self, node: ast.expr) -> bool:
        value = self.value(node)
        if value is None or isinstance(value, bool | str):
            return bool(value)
        raise beyond(node, "a condition")

    def value(self, node: ast.expr) -> Any:
        """Return what an expression comes to."""
        compute = self._expressions.get(type(node))
        if compute is None:
            raise beyond(node, "an expression")
        return compute(node)

    def _constant(self, node: ast.Constant) -> Any:
        if node.value is None or isinstance(node.value, bool | str):
            return node.value
        raise beyond(node, "a constant")

    def _name(self, node: ast.Name) -> Any:
        if node.id in self._locals:
            return self._locals[node.id]
        if node.id in {kind.name for kind in self._router.classes}:
            return _This()
        if node.id not in self._kind.names:
            raise beyond(node, f"the name {node.id}")
        return self._kind.names[node.id]

    def _attribute(self, node: ast.Attribute) -> Any:
        match self.value(node.value):
            case _This():
                return look_up(node, self._router.attributes, node.attr)
            case Known(name="settings"):
                return look_up(node, self._kind.settings, node.attr)
            case owner:
                return attribute_of(node, owner)

    def _dictionary(self, node: ast.Dict) -> dict[Any, Any]:
        keys = [key for key in node.keys if key is not None]
        if len(keys) != len(node.keys):
            raise beyond(node, "a dictionary")
        return {self.value(key): self.value(v) for key, v in zip(keys, node.values, strict=True)}

    def _not(self, node: ast.UnaryOp) -> bool:
        if not isinstance(node.op, ast.Not):
            raise beyond(node, "an operator")
        return not self._is(node.operand)

    def _either(self, node: ast.BoolOp) -> Any:
        for inner in node.values[:-1]:
            if self._is(inner) is isinstance(node.op, ast.Or):
                return self.value(inner)
        return self.value(node.values[-1])

    def _compare(self, node: ast.Compare) -> bool:
        left = self.value(node.left)
        for operator, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            if not holds(node, operator, left, right):
                return False
            left = right
        return True

    def _sum(self, node: ast.BinOp) -> list[Any]:
        left, right = self.value(node.left), self.value(node.right)
        both = isinstance(left, list | tuple) and isinstance(right, list | tuple)
        if not both or not isinstance(node.op, ast.Add):
            raise beyond(node, "an operator")
        return [*left, *right]

    def _call(self, node: ast.Call) -> Any:
        arguments = [self.value(one) for one in node.args]
        for keyword in node.keywords:
            if keyword.arg is not None or not isinstance(self.value(keyword.value), Hints):
                raise beyond(node, "a call with keywords")
        match node.func:
            case ast.Name(id="getattr"):
                return self._getattr(node, arguments)
            case ast.Name(id="set" | "frozenset" | "list" | "tuple" as kind):
                return _collect(node, kind, arguments)
            case ast.Name(id=name) if name in self._kind.functions and name not in self._locals:
                return self._inner(self._kind, self._kind.functions[name], arguments)
            case ast.Attribute(value=inner):
                return self._call_of(node, node.func, self.value(inner), arguments)
            case function if self.value(function) == Known("random.choice"):
                return choose(node, arguments)
        raise beyond(node, "a call")

    def _call_of(
        self, node: ast.Call, function: ast.Attribute, owner: Any, arguments: list[Any]
    ) -> Any:
        """Call a method of the router itself, of a constant, or of the module random."""
        match owner, function.attr, arguments:
            case _This() as this, name, _:
                found = self._router.method(name)
                if found is None:
                    raise beyond(node, f"the method {name}")
                return self._inner(*found, [this, *arguments])
            case Mapping(), "get", [key, *default] if len(default) <= 1:
                return owner[key] if key in owner else default[0] if default else None
            case Mapping(), "keys" | "values" as name, []:
                return list(getattr(owner, name)())
            case ModelName(), "lower", []:
                return owner
        if self._attribute(function) == Known("random.choice"):
            return choose(node, arguments)
        raise beyond(node, "a call")

    def _inner(self, kind: RouterClass, function: ast.FunctionDef, arguments: Sequence[Any]) -> Any:
        return _Call(self._router, kind, function, depth=self._depth + 1).run(arguments)

    def _getattr(self, node: ast.Call, arguments: list[Any]) -> Any:
        match arguments:
            case [Known(name="settings"), str() as name, *default] if len(default) <= 1:
                if default and name not in self._kind.settings:
                    return default[0]
                return look_up(node, self._kind.settings, name)
        raise beyond(node, "getattr")


def _collect(node: ast.Call, kind: str, arguments: list[Any]) -> Any:
    match arguments:
        case [list() | tuple() | frozenset() | Mapping() as values]:
            return frozenset(values) if kind.endswith("set") else list(values)
    raise beyond(node, f"{kind}()")
