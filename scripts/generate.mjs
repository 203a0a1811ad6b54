// Writes what is made from the code and committed beside it. Build first; a test fails when a file is not up to date.
import { writeFileSync } from 'node:fs'
import { protocolDocument } from '../sdk/dist/index.js'

const target = new URL('../sdk/protocol.schema.json', import.meta.url)
writeFileSync(target, `${JSON.stringify(protocolDocument(), null, 2)}\n`)
