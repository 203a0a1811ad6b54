// TLS with a server that nobody vouches for. gRPC has an option for it, which the client of etcd does not hand on.
import { credentials } from '@grpc/grpc-js'

/**
 * What `connect` makes takes any certificate of its servers; what is made before and after does not. The client of etcd
 * makes its credentials while it is constructed: `connect` is to be synchronous.
 */
export function withoutVerification<T>(connect: () => T): T {
  const { createSsl } = credentials
  credentials.createSsl = (ca, key, certificate) =>
    createSsl(ca, key, certificate, { rejectUnauthorized: false })
  try {
    return connect()
  } finally {
    credentials.createSsl = createSsl
  }
}
