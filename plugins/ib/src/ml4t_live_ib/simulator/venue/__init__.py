"""The venue behind TWS: contracts, prices, orders, accounts. It knows nothing of connections."""
