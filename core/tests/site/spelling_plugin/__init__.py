"""A plugin for the tests of core: an embedder, a head, a store and two commands, all as small as can be."""
