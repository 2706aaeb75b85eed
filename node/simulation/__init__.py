"""The whole network in one process: the same roles, bytes and signatures in another world.

`world` has virtual time, a network that loses, delays, duplicates and cuts, and nodes that crash
between any two durable steps; `agents` are the people who work there, `treasurer` pays legs,
`prepayer` moves prepayments; `oracle` checks the invariants after every step, with sums of its own
(`naive`, `till`, `purse`); `run` plays a seed from beginning to end.
"""
