"""The log: bytes, keys and trees. Knows nothing of provinces or money.

Read in this order: `hashing`, `encoding`, `signature`, `entry` (what a leaf is); `merkle`,
`proof` (the tree as pure functions); `note`, `checkpoint`, `cosignature`, `policy` (signed
heads); `quorum`; `prooffile`, `tiles`, `evidence` (what is handed on as files); `table`, `tree`,
`log` (what is stored and how it grows); `store` and `keyfile` (the two doors to the disk),
`disk`, `memory` (a store without one), `signer` (the monotone state behind every signed head);
`fsck`; `errors`.

Never here: time (an argument), network, money, randomness except for keys and nonces.
"""
