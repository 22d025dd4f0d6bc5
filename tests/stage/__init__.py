"""The stage of the end-to-end tests: one real cluster, two real servers, the installed operator.

`sharing` starts it once for all test processes, `play` acts in one namespace of it, `objects`
says what is applied. Nothing here asserts what the operator should do: that is in tests/e2e.
"""
