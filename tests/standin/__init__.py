"""A stand-in for an Elasticsearch 9.3 cluster, for tests.

``from tests.standin.standin import StandIn``; see README.md.
"""
