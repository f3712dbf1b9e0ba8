"""A stand-in for an Elasticsearch 9.3 cluster: ``from tests.standin.standin import StandIn``. See
README.md.
"""
