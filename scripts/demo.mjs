// `npm run demo`: the story of conet with two real containers, every step of it checked.
import { runInPrivateNamespaces } from './in-private-namespaces.mjs'

runInPrivateNamespaces('demo/main.js', process.argv.slice(2))
