"""What is owed and by whom: records, acceptance, the month and its batch. Pure: no I/O, no clock.

Read in this order.

- Values: `money`, `period`, `party`, `field`, `outcome` (why something counts nowhere).
- Entries: `record` (every kind of entry), `casefile`, `csvfile` and `importing` (where
  settlements come from), `rule` (what speaks against an entry), `approval` (what two people
  sign), `wording` (what they are shown).
- One log: `state` (`apply`: one log folded), `lookup` (what that says), `caseids`, `totals`,
  `recheck` (all of it again). Who takes part: `roster`, `membership`, `keychain`.
- A month: `cut`, `close` (what a month's cut holds), `stage` (what a dispute holds), `obligation`
  (`at_cut`: all logs joined), `netting`, `batch` (the life of a month), `resultdoc`, `report`,
  `cleared`, `life` and `standing` (where a case stands), `carry`, `dispute` (whose turn it is).
  Supposed and compared: `whatif`, `savings`. The year: `year`.
- Money: `leg` (what a batch moves), `payment` (attempt by attempt), `transfer` (seen from both
  logs), `shortfall`.
- Prepayments: `quotafile`, `quota` and `adjustment` (what a year asks for), `demand`,
  `prepayment` (what is held), `usage` (alerts), `pairstatement` (both ends), `prepaycheck`,
  `prepayreport`.
- Cities: `share`, `subclearing`, `city`.
- Rules and dates: `ruleset`, `shipped`, `terms`, `basis`, `workdays`, `schedule` (until when),
  `parts`, `prepaysteps`, `timeliness` (who did it when).
- Books: `chart`, `journal`, `dealings`, `recognition`, `booking`, `bookkeeper`, `books`,
  `mirror`, `bookfile`.
- The bank: `account`, `endtoend`, `instruction`, `paymentfile`, `iso20022` (what is ordered);
  `bankstatement`, `bankfile`, `banktable`, `camt` (what comes back); `expectation`, `matching`,
  `choice` (which line is which payment); `clearingaccount`, `camtfile`.
- Persons and the counter: `person`, `registration` (who may be treated where), `directory`,
  `reimbursement`; `provision` (a row of a policy), `policy`, `bill`, `piece`, `steps`,
  `supplement`, `benefit` (who pays what of a bill); `claim` and `determination` (what two
  provinces say of it).
- The day: `statement` (what both have), `business` (a province's own export), `grid`, `workbook`,
  `exportvalue`.
- On paper: `monthbook`, `document`, `deduction`, `notice`, `demandpaper`, `paperwork` (the tables
  and notices of a month), `words`, `tag`.

*Settlement* is a patient's bill split at discharge; *clearing* happens between provinces.
"""
