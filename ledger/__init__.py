"""The log: bytes, keys and trees. Knows nothing of provinces or money.

Read in this order: `hashing`, `encoding`, `signature`, `entry` (what a leaf is); `merkle`, `proof`
(the tree as pure functions); `note`, `checkpoint`, `cosignature`, `policy` (signed heads);
`table`, `tree`, `log` (what is stored and how it grows); `store` and `keyfile` (the two doors to
the disk), `signer` (the monotone state behind every signed head); `fsck`.

Never here: time (an argument), network, money, randomness except for keys and nonces.
"""
