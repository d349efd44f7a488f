// Scores the results of http-cache-tests as cache-tests.fyi does: a test counts only if all it depends on passed.
//
//   const table = score(suites, results)   // id -> {kind, outcome, detail}
//   const sums = totals(table)              // {required: {pass, fail, dependency, setup, total}, optimal: ..., check: ...}
//
// Outcomes, each as the suite's determineTestResult decides it: pass; fail; dependency (a test it depends on did not
// pass: this one was not run, and is neither passed nor failed); setup (the exchange needed for the test did not happen);
// retry (the cache asked the origin twice); untested (browsers only).
// `owed` is ours: false only for a test that is out because of a check or an optimal test it depends on. Where a
// required one is at the bottom of it, the verdict counts it as failed, which the suite does not.

export function score (suites, results) {
  const tests = new Map(suites.flatMap(s => s.tests.map(t => [t.id, { ...t, suite: s.id }])))
  const known = new Map()

  function outcome (id) {
    if (known.has(id)) return known.get(id)
    const test = tests.get(id)
    if (!test) throw new Error(`no test ${id}`)
    known.set(id, judge(test, results[id]))
    return known.get(id)
  }

  function judge (test, result) {
    if (result === undefined) return 'untested'
    for (const id of test.depends_on ?? []) if (outcome(id) !== 'pass') return 'dependency'
    if (result === true) return 'pass'
    if (result[0] !== 'Setup') return 'fail'
    return result[1] === 'retry' ? 'retry' : 'setup'
  }

  // Does a dependency failure go back to a required test, so that it is not only an option that was not taken?
  function owed (id) {
    return (tests.get(id).depends_on ?? []).some(d => {
      if (outcome(d) === 'pass') return false
      if (outcome(d) === 'dependency') return owed(d)
      return (tests.get(d).kind ?? 'required') === 'required'
    })
  }

  return new Map([...tests].map(([id, t]) => [id, {
    kind: t.kind ?? 'required',
    suite: t.suite,
    outcome: outcome(id),
    owed: outcome(id) !== 'dependency' || owed(id),
    detail: results[id]?.[1] ?? ''
  }]))
}

export function totals (table) {
  const sums = {}
  for (const { kind, outcome } of table.values()) {
    if (outcome === 'untested') continue
    sums[kind] ??= { pass: 0, fail: 0, dependency: 0, setup: 0, retry: 0, total: 0 }
    sums[kind][outcome]++
    sums[kind].total++
  }
  return sums
}

// What the run must satisfy. Returns the complaints; none means it does.
export function verdict (table, allowed, { maxAllowed = 5, optimalShare = 0.85 } = {}) {
  const complaints = []
  if (Object.keys(allowed).length > maxAllowed) {
    complaints.push(`the allow-list has ${Object.keys(allowed).length} ids, at most ${maxAllowed} may be in it`)
  }
  for (const [id, reason] of Object.entries(allowed)) {
    if (typeof reason !== 'string' || reason.length < 20) complaints.push(`allowed id ${id} has no reason`)
    if (!table.has(id)) complaints.push(`allowed id ${id} is no test of the suite`)
    else if (table.get(id).outcome === 'pass') complaints.push(`allowed id ${id} passes: take it out of the allow-list`)
  }
  for (const [id, t] of table) {
    if (t.kind === 'required' && !['pass', 'untested'].includes(t.outcome) && t.owed && !(id in allowed)) {
      complaints.push(`required ${id}: ${t.outcome} ${t.detail}`)
    }
  }
  const { optimal } = totals(table)
  if (!optimal || optimal.pass < optimal.total * optimalShare) {
    complaints.push(`optimal: ${optimal?.pass} of ${optimal?.total} pass, ${optimalShare * 100} % must`)
  }
  return complaints
}
