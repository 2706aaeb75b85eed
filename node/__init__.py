"""A running participant: the province's node and the centre's.

Read in this order: `message` (what nodes say to each other), `effect` (what a role asks its driver
to do), `turn` (one transaction), `role` (what every node does), `witness`, `follow`, `feed` (its
three conversations), `province` and `centre` (what is peculiar to each), `serve` (answers that need
no decision), `desk` and `insurer` (claims at the counter, on either side), `daybook` (the daily
reconciliation), `money` and `prepay` (what banks have done, and is due), `command` (what operators
ask), then the edges: `clock`, `vault`, `client`,
`server`, `driver`. The register of persons: `persons` (what the vault has), `registry`, `directory`
and `erasure` (orders), `pending` (vault first, entry after), `notices` (telling other provinces).

A role takes events and returns effects; it never awaits, reads no clock and opens no socket, so
the simulator drives the same code. Only `driver` awaits.
"""
