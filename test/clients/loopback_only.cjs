// Preloaded into the suite's origin server, which would listen on all interfaces: binds it to 127.0.0.1.
'use strict'

const http = require('http')

const listen = http.Server.prototype.listen
http.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...rest.filter(r => typeof r === 'function'))
}
