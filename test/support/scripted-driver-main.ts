// A driver process for tests that need one to kill, stop or lose: `--socket PATH`. The environment says how it
// behaves: SCRIPTED_NAME; SCRIPTED_EXIT=CODE ends at once; SCRIPTED_DEAF=1 does not end on SIGTERM.
import { pid } from 'node:process'
import { parseArgs } from 'node:util'
import { ScriptedDriver } from './scripted-driver.ts'

const { SCRIPTED_NAME: name = 'scripted', SCRIPTED_EXIT: exit, SCRIPTED_DEAF: deaf } = process.env
console.log(`driver ${name} starts as ${pid}`)
if (exit !== undefined) process.exit(Number(exit))
if (deaf === '1') process.on('SIGTERM', () => console.log('SIGTERM is ignored'))

const { values } = parseArgs({ options: { socket: { type: 'string' } } })
if (values.socket === undefined) throw new Error('--socket is missing')
void ScriptedDriver.listen(values.socket, name, {
  'network/list': () => ({ networkIds: [] }),
})
