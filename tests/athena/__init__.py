"""An Athena for tests, on the loopback: a server that speaks its protocol, and the engines that run its SQL."""
