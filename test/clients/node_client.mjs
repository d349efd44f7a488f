// Node's fetch and undici through Fairing; prints one JSON line of what was seen. Argument: the base URL.
import { Agent, request, setGlobalDispatcher } from 'undici'

const base = process.argv[2]
const agent = new Agent({ connections: 1, pipelining: 4 })
setGlobalDispatcher(agent)
const seen = {}

// undici: 40 requests, pipelined four deep on one connection
seen.undici = await Promise.all(Array.from({ length: 40 }, async (_, i) => {
  const { statusCode, body } = await request(`${base}/n/${i}`)
  return statusCode === 200 && (await body.text()) === `/n/${i}`
}))

// fetch: decodes what Fairing compressed, revalidates, streams a body up and down
const first = await fetch(`${base}/json`)
seen.coding = first.headers.get('content-encoding')
seen.json = (await first.json()).length
const again = await fetch(`${base}/json`)
seen.status = again.headers.get('cache-status')
await again.arrayBuffer()
const conditional = await fetch(`${base}/json`, { headers: { 'if-none-match': again.headers.get('etag') } })
seen.conditional = conditional.status
await conditional.arrayBuffer()
const size = 5 << 20
const echo = await fetch(`${base}/echo`, { method: 'POST', body: Buffer.alloc(size, 'e') })
seen.echo = (await echo.arrayBuffer()).byteLength === size
const upload = await fetch(`${base}/echo`, {
  method: 'POST',
  duplex: 'half',
  body: new ReadableStream({
    start (c) {
      for (let i = 0; i < 10; i++) c.enqueue(new TextEncoder().encode(`piece ${i}`))
      c.close()
    }
  })
})
seen.upload = (await upload.text()).endsWith('piece 9')
const controller = new AbortController()
const events = await fetch(`${base}/events`, { signal: controller.signal })
const reader = events.body.getReader()
seen.event = new TextDecoder().decode((await reader.read()).value)
controller.abort()
console.log(JSON.stringify(seen))
await agent.destroy()
