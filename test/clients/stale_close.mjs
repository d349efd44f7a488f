// The four required tests stale-close-*, as the suite's authors have asked them since the edition on npm (0.4.5).
//
// Problem: there they want the header Server-Request-Count of an origin that hung up before it wrote a byte, so no
// gateway that tells the truth can pass them; what keeps them from failing everywhere is only that they depend on the
// check stale-close. Later editions ask what is meant: with must-revalidate, proxy-revalidate, no-cache or s-maxage the
// stored answer, now stale, is not what the client gets. So asked they need no stale-close, and a 502 passes.

const prohibiting = ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2']

export default {
  id: 'stale-close-later',
  name: 'Serving stale where it is prohibited, in later editions\' words',
  tests: prohibiting.map(directive => ({
    id: `later-stale-close-${directive}`,
    name: `HTTP cache must not serve stale stored response when prohibited by ${directive}`,
    requests: [
      { response_headers: [['Cache-Control', `max-age=2, ${directive}`]], setup: true, pause_after: true },
      {
        disconnect: true,
        expected_status: 502,
        check_body: false,
        expected_response_headers_missing: ['server-request-count']
      }
    ]
  }))
}
