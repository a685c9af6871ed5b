// HEALTHCHECK of the image: whether the server on port 4319 is ready, with or without TLS.
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import process from 'node:process'

const TIMEOUT_MS = 4000

const isReady = (get, options) =>
  new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port: 4319, path: '/api/ready', timeout: TIMEOUT_MS, ...options })
    request.on('response', (response) => resolve(response.resume().statusCode === 200))
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })

// The certificate is for the names that clients use, not for 127.0.0.1.
const ready = (await isReady(getHttp, {})) || (await isReady(getHttps, { rejectUnauthorized: false }))
process.exitCode = ready ? 0 : 1
