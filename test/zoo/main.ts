// A driver of the zoo as a program: `main.js --socket PATH [--mutation NAME] [--ipam driver]`.
import { parseArgs } from 'node:util'
import { goodBehaviour } from './behaviour.ts'
import { mutationNamed } from './mutations/index.ts'
import { ZooDriver } from './zoo-driver.ts'

const { values } = parseArgs({
  options: {
    socket: { type: 'string' },
    name: { type: 'string', default: 'zoo' },
    mutation: { type: 'string' },
    ipam: { type: 'string' },
  },
})
if (values.socket === undefined) throw new Error('--socket is missing')
const good = goodBehaviour()
const driver = await ZooDriver.listen({
  path: values.socket,
  variant: { name: values.name, ...(values.ipam === 'driver' && { ipam: 'driver' }) },
  behaviour: values.mutation === undefined ? good : mutationNamed(values.mutation).change(good),
  exit: (code) => process.exit(code),
})
process.once('SIGTERM', () => void driver.behaviour.terminate(driver))
