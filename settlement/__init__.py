"""What is owed and by whom: records, acceptance, the month and its batch. Pure: no I/O, no clock.

Read in this order: `record` (every kind of entry), `casefile` and `importing` (where settlements
come from), `state` (`apply`: one log folded), `totals`, `obligation` (`at_cut`: all logs joined),
`netting`, `batch` (the life of a month), `leg` (the movements of money), `roster`, `ruleset`;
`statement` (a day between two provinces) and `business` (a province's own export).

*Settlement* is a patient's bill split at discharge; *clearing* happens between provinces.
"""
