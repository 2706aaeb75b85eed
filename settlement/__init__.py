"""What is owed and by whom: records, acceptance, the month and its batch. Pure: no I/O, no clock.

Read in this order: `record` (every kind of entry), `casefile` and `importing` (where settlements
come from), `state` (`apply`: one log folded), `totals`, `close` (what a month's cut holds), `stage`
(what a dispute holds), `obligation` (`at_cut`: all logs joined), `netting`, `batch` (the life of a
month), `leg` (the movements of money, `payment` by payment), `chart`, `journal`, `dealings`,
`booking`, `books` and `mirror` (the double-entry books that follow from all this), `share`,
`subclearing` and `city` (a month by city), `dispute` (whose turn it is), `roster`, `ruleset`; then
`workdays`, `schedule` (until when) and `timeliness` (who did it when). Of prepayments: `quota` and
`adjustment` (what a year asks for), `demand`, `prepayment` (what is held), `usage` (alerts),
`pairstatement` (both ends), `prepaycheck`. About persons: `person`, `registration` (who may be
treated where), `directory`, `reimbursement`. Who pays what of a bill: `provision` (a row of a
policy), `policy`, `bill`, `steps`, `benefit`; `claim` and `determination` are what the two
provinces of a case say to each other about it, `statement` what they have for a day, `business`
reads a province's own export. On paper: `monthbook`, `document`, `deduction`, `notice`, `paperwork`
(the tables and notices of a month), `words`, `tag`.

*Settlement* is a patient's bill split at discharge; *clearing* happens between provinces.
"""
