"""Parts of the Elasticsearch engine; `articles.search.elasticsearch` puts them together."""
