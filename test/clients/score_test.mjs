// The scoring itself: dependencies, kinds, the allow-list. Run by `node --test`.
import assert from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import test from 'node:test'

import { score, totals, verdict } from './score.mjs'

const suites = [{
  id: 's',
  tests: [
    { id: 'base' }, { id: 'child', depends_on: ['base'] }, { id: 'grandchild', depends_on: ['child'] },
    { id: 'option', kind: 'optimal' }, { id: 'of-option', depends_on: ['option'] }, { id: 'look', kind: 'check' }, { id: 'browser' }
  ]
}]
const fail = ['Assertion', 'wrong']
const all = { base: true, child: true, grandchild: true, option: true, 'of-option': true, look: true }
const reason = 'a reason that says why this cannot be done'

test('everything passes', () => {
  const table = score(suites, all)
  assert.deepEqual(verdict(table, {}), [])
  assert.deepEqual(totals(table).required, { pass: 4, fail: 0, dependency: 0, setup: 0, retry: 0, total: 4 })
  assert.equal(table.get('browser').outcome, 'untested')
})

test('a failure takes what depends on it with it, and only an allowed one is let through', () => {
  const table = score(suites, { ...all, base: fail })
  assert.deepEqual(['base', 'child', 'grandchild'].map(id => table.get(id).outcome), ['fail', 'dependency', 'dependency'])
  assert.equal(verdict(table, {}).length, 3)
  assert.equal(verdict(table, { base: reason }).length, 2)
  assert.deepEqual(verdict(table, { base: reason, child: reason, grandchild: reason }), [])
})

test('what hangs on an option that was not taken is not owed, but the share of options is', () => {
  const table = score(suites, { ...all, option: fail })
  assert.equal(table.get('of-option').outcome, 'dependency')
  assert.deepEqual(verdict(table, {}), ['optimal: 0 of 1 pass, 85 % must'])
})

test('set-up failures and retries fail', () => {
  assert.equal(score(suites, { ...all, child: ['Setup', 'retry'] }).get('child').outcome, 'retry')
  assert.equal(verdict(score(suites, { ...all, child: ['Setup', 'x'] }), {}).length, 2)
})

test('the allow-list is short, has reasons, and holds nothing that passes or does not exist', () => {
  const table = score(suites, all)
  assert.equal(verdict(table, { base: reason }).length, 1)
  assert.equal(verdict(table, { nothing: reason }).length, 1)
  assert.equal(verdict(score(suites, { ...all, grandchild: fail }), { grandchild: 'short' }).length, 1)
  assert.ok(verdict(table, Object.fromEntries('abcdef'.split('').map(c => [c, reason]))).some(c => c.includes('at most 5')))
})

test('every outcome is the one the suite itself gives, over the results it publishes', async () => {
  const root = dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'))
  const { determineTestResult } = await import(join(root, 'lib/display.mjs'))
  const published = (await import(join(root, 'tests/index.mjs'))).default
  published.push((await import(join(root, 'tests/surrogate-control.mjs'))).default)
  const words = { '-': 'untested', '✅': 'pass', Y: 'pass', '⛔️': 'fail', '⚠️': 'fail', N: 'fail', '🔹': 'setup', '⚪️': 'dependency', '↻': 'retry' }
  let compared = 0
  for (const file of readdirSync(join(root, 'results')).filter(f => f.endsWith('.json'))) {
    const results = JSON.parse(readFileSync(join(root, 'results', file)))
    for (const [id, { outcome }] of score(published, results)) {
      assert.equal(outcome, words[determineTestResult(published, id, results)[2]], `${file} ${id}`)
      compared++
    }
  }
  assert.ok(compared > 1000)
})
