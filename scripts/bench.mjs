// `npm run bench`: measures conet against its floor and its rival. See `--help`.
import { runInPrivateNamespaces } from './in-private-namespaces.mjs'

runInPrivateNamespaces('bench/main.js', process.argv.slice(2))
