// `npm run bench:nodes [-- NODES [ENDPOINTS]]`: many nodes of a cluster in one process against a real etcd.
import { runInPrivateNamespaces } from './in-private-namespaces.mjs'

runInPrivateNamespaces('bench/nodes/main.js', process.argv.slice(2))
