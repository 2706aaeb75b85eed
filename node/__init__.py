"""A running participant: the province's node and the centre's.

Read in this order.

- The frame: `message` (what nodes say to each other), `effect` (what a role asks its driver to
  do), `turn` (one transaction), `role` (what every node does), `refusal`, `slots` (who may be
  spoken to).
- Its conversations: `witness`, `follow`, `feed`, `heads`; `lock` (nothing signed before others
  have answered), `docket` (evidence and halts), `succession` (after a freeze), `addcheckpoint`
  (logs outside).
- What is peculiar to each: `province` and `centre`; `intake` (an import), `serve` (answers that
  need no decision), `disputes`, `years`, `cities`.
- Two people: `approvals` and `drafts`.
- Money: `transfers`, `money` and `prepay` (what banks have done, and is due), `instruct` (payment
  files); `bank`, `bankbook` and `binding` (statements and their lines).
- The counter and the day: `desk` and `insurer` (claims, on either side), `claimbook`, `hospital`,
  `openapi`; `daybook` (the daily reconciliation), `daytalk`, `dayrows`, `daycompare`,
  `statements`, `reading`.
- Persons: `persons` (what the vault has), `registry`, `insured`, `directory`, `barring` and
  `erasure` (orders), `pending` (vault first, entry after), `notices` and `guests` (between
  provinces).
- Orders and duties: `command` (what operators ask), `duty`, `prepayduty`, `paystep` and `todo`
  (what is to be done).
- The edges: `clock`, `vault`, `sealed`, `keyring`, `config`, `home`, `backup`, `client`,
  `peerauth`, `server`, `door`, `routes`, `socket`, `orders`, `errors`, `logs`, `driver`, `run`.

`simulation` plays the same roles in virtual time. A role takes events and returns effects; it
never awaits, reads no clock and opens no socket, so the simulator drives the same code. Only
`driver` awaits.
"""
