"""The catalogue: published models as TOML files, and the module that reads and searches them."""
