// TLS as etcdctl has it. gRPC has options for it, which the client of etcd does not hand on.
import { createSecureContext } from 'node:tls'
import { credentials } from '@grpc/grpc-js'
import type { Trusted } from './certificate-look.ts'

export type TlsTrust = Trusted & {
  /** Any certificate of a server is taken. */
  readonly skipsVerification: boolean
}

/** A certificate of etcd's own is enough of a CA, whoever has signed it. Node before 20.18 takes one that has signed itself. */
export function secureOptions({ ca, cert, key }: Trusted) {
  return { ca, ...(cert && { cert }), ...(key && { key }), allowPartialTrustChain: true }
}

/**
 * What `connect` makes trusts so; what is made before and after does not. The client of etcd makes its credentials while it
 * is constructed: `connect` is to be synchronous.
 */
export function withTrust<T>(trust: TlsTrust, connect: () => T): T {
  const { createSsl } = credentials
  const context = createSecureContext(secureOptions(trust))
  credentials.createSsl = () =>
    credentials.createFromSecureContext(context, { rejectUnauthorized: !trust.skipsVerification })
  try {
    return connect()
  } finally {
    credentials.createSsl = createSsl
  }
}
