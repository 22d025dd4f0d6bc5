"""How tools that deploy from Git judge the health of our objects, by their own libraries."""
