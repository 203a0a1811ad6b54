// Whether members of etcd speak TLS, and the certificates that they show are trusted. The client of etcd tells in words alone why a connection
// was not made, and what to do about a certificate is another thing than what to do about an etcd that is away.
import { once } from 'node:events'
import { get, IncomingMessage } from 'node:http'
import { connect, type TLSSocket } from 'node:tls'
import { deadline } from '@conet/sdk'
import { secureOptions, type TlsTrust } from './tls-credentials.ts'
import { within } from './within.ts'

export type Trusted = {
  readonly ca: Buffer
  readonly cert?: Buffer | undefined
  readonly key?: Buffer | undefined
}

/**
 * Of `etcd`: this host does not trust it. Of the `host`: etcd says that it does not trust ours. `isPlain`: it speaks no TLS,
 * and this host does; `isTls`: the other way round.
 */
export type CertificateFault = {
  readonly of: 'etcd' | 'host' | 'isPlain' | 'isTls'
  readonly reason: string
}

const mostLookMs = 1_000
/** What etcd thinks of ours comes right after the handshake, or never. */
const refusalMs = 300
/** Who asks again so soon gets what was found before: each call fails while etcd is away. */
const freshMs = 5_000

export class CertificateLook {
  readonly #endpoints: readonly string[]
  readonly #trust: TlsTrust | undefined
  #look: Promise<CertificateFault | undefined> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY

  /** `endpoints`: `host:port` of each member; `trust` undefined: this host speaks no TLS. */
  constructor(endpoints: readonly string[], trust: TlsTrust | undefined) {
    this.#endpoints = endpoints
    this.#trust = trust
  }

  /**
   * What speaks against the certificate of a member that answers, or against ours there, and its address; undefined: nothing,
   * or none answers, or it is not known yet after `withinMs`: then it is for who asks next.
   */
  fault(withinMs = mostLookMs): Promise<CertificateFault | undefined> {
    if (performance.now() - this.#lookedAt > freshMs) {
      this.#lookedAt = performance.now()
      this.#look = this.#lookAtAll()
    }
    return within(withinMs, this.#look)
  }

  async #lookAtAll(): Promise<CertificateFault | undefined> {
    const faults = await Promise.all(this.#endpoints.map((endpoint) => faultAt(endpoint, this.#trust)))
    return faults.find((fault) => fault !== undefined)
  }
}

async function faultAt(endpoint: string, trust: TlsTrust | undefined): Promise<CertificateFault | undefined> {
  const place = placeOf(endpoint)
  using limit = deadline(mostLookMs, `look at the certificate of ${endpoint}`)
  // The handshake goes on, so that what is wrong with the certificate is all that is told.
  const socket = connect({ ...place, ...(trust && secureOptions(trust)), rejectUnauthorized: false })
  // Between two waits, too: what etcd says late must not end the process.
  socket.on('error', () => undefined)
  try {
    await once(socket, 'secureConnect', { signal: limit.signal })
    if (trust === undefined) return { of: 'isTls', reason: endpoint }
    const reason = trust.skipsVerification ? undefined : reasonOf(socket)
    if (reason !== undefined) return { of: 'etcd', reason: `${endpoint}: ${reason}` }
    using patience = deadline(refusalMs, `wait for what ${endpoint} thinks of this host`, limit.signal)
    await once(socket, 'close', { signal: patience.signal })
  } catch (error) {
    const alert = alertOf(error)
    if (alert !== undefined)
      return trust === undefined
        ? { of: 'isTls', reason: endpoint }
        : { of: 'host', reason: `${endpoint}: ${alert}` }
    // Else it cannot be reached, or says nothing against this host: then no certificate is what is in the way.
    if (trust !== undefined && (await isPlainHttp(place, limit.signal)))
      return { of: 'isPlain', reason: endpoint }
  } finally {
    socket.destroy()
  }
  return undefined
}

function placeOf(endpoint: string): { host: string; port: number } {
  const { hostname, port } = new URL(`https://${endpoint}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) }
}

/** Whether it answers a question that is not encrypted with more than that it should be. */
async function isPlainHttp(place: { host: string; port: number }, signal: AbortSignal): Promise<boolean> {
  const request = get({ ...place, path: '/version', agent: false, signal })
  try {
    const [answer] = await once(request, 'response', { signal })
    return answer instanceof IncomingMessage && answer.statusCode === 200
  } catch {
    return false
  } finally {
    request.on('error', () => undefined).destroy()
  }
}

/** `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED` and its like, of RFC 8446 section 6.2. */
function alertOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return /^ERR_SSL_\w*ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA)$/.test(error.code) ? error.code : undefined
}

/** `DEPTH_ZERO_SELF_SIGNED_CERT` and its like; of Node's types it is an Error. */
function reasonOf({ authorized, authorizationError }: TLSSocket): string | undefined {
  if (authorized) return undefined
  const reason: unknown = authorizationError
  return reason instanceof Error ? reason.message : String(reason)
}
