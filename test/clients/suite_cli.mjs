// The suite's own client (its cli.mjs) with the tests of stale_close.mjs besides: results as JSON on stdout.
//
//   node --no-warnings suite_cli.mjs BASE_URL
//
// Run by run_cache_tests.mjs, as a process of its own: the suite keeps its results in module variables.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import fetch from 'node-fetch'

import later from './stale_close.mjs'

const suite = dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'))
const { runTests, getResults } = await import(join(suite, 'client/runner.mjs'))
const tests = (await import(join(suite, 'tests/index.mjs'))).default
tests.push((await import(join(suite, 'tests/surrogate-control.mjs'))).default, later)

await runTests(tests, fetch, false, process.argv[2])
console.log(JSON.stringify(getResults()))
