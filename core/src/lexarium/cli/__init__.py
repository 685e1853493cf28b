"""The command line. Only the modules in here, and plugins' ``cli`` modules, import click."""
