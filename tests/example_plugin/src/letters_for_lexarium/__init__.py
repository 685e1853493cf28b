"""A stranger's plugin, as small as one can be and still keep the contracts."""
