"""The server pass: databases, logins and Secrets for aliases with ``spec.provision``.

Keyed by DatabaseServer. One pass reads live, surveys the server once, decides purely for each
alias and carries that out alias by alias: statements, then the Secret, then the status. What one
alias meets leaves the others alone. Projects learn of it by the aliases' statuses.
"""
