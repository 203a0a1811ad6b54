// A driver of the zoo as a program: `main.js --socket PATH [--mutation NAME] [--ipam driver] [--interfaces]
// [--records PATH] [--keep-records] [--hot-upgrade]`.
import { parseArgs } from 'node:util'
import { goodBehaviour } from './behaviour.ts'
import { mutationNamed } from './mutations/index.ts'
import { Records } from './records.ts'
import { ZooDriver } from './zoo-driver.ts'

const { values } = parseArgs({
  options: {
    socket: { type: 'string' },
    name: { type: 'string', default: 'zoo' },
    mutation: { type: 'string' },
    ipam: { type: 'string' },
    interfaces: { type: 'boolean', default: false },
    records: { type: 'string' },
    'keep-records': { type: 'boolean', default: false },
    'hot-upgrade': { type: 'boolean', default: false },
  },
})
if (values.socket === undefined) throw new Error('--socket is missing')
const good = goodBehaviour()
const mutation = values.mutation === undefined ? undefined : mutationNamed(values.mutation)
const keepsRecords = values['keep-records'] || mutation?.of?.keepsRecords === true
void ZooDriver.listen({
  path: values.socket,
  variant: {
    name: values.name,
    interfaces: values.interfaces,
    hotUpgrade: values['hot-upgrade'],
    ...(values.ipam === 'driver' && { ipam: 'driver' }),
    ...mutation?.of,
  },
  behaviour: mutation?.change(good) ?? good,
  ...(keepsRecords && values.records !== undefined && { records: Records.keptAt(values.records) }),
  exit: (code) => process.exit(code),
  log: (message) => process.stderr.write(`${message}\n`),
}).then((driver) => process.once('SIGTERM', () => void driver.behaviour.terminate(driver)))
