import { expect, it } from 'vitest'
import type { MappedPort } from '../../../sdk/dist/bridge-network/flow-cuts.js'
import { FreshPorts } from '../../../sdk/dist/bridge-network/fresh-ports.js'
import { eventually } from '../../support/eventually.ts'

const udp = 17
const tcp = 6

function port(protocol: number, hostPort: number): MappedPort {
  const address = Buffer.from([10, 0, 0, 2])
  return { family: 4, protocol, hostPort, hostAddress: undefined, address, port: 53 }
}

function looks({ used = [] as number[] } = {}) {
  const seen: number[][] = []
  const ports = new FreshPorts({
    cutOver: async (mapped) => void seen.push(mapped.map(({ hostPort }) => hostPort)),
    isInUse: (mapped) => mapped.some(({ hostPort }) => used.includes(hostPort)),
  })
  return { seen, ports }
}

it('ports of plugs that come together are one look', async () => {
  const { seen, ports } = looks()
  await ports.add('web', [port(udp, 1), port(tcp, 2)])
  await ports.add('db', [port(udp, 3)])
  expect(seen).toEqual([])
  await eventually(() => seen.length > 0)
  expect(seen).toEqual([[1, 2, 3]])
  await ports.close()
  expect(seen).toHaveLength(1)
})

it('nothing is looked for where there is no port of UDP, or its owner has gone', async () => {
  const { seen, ports } = looks()
  await ports.add('web', [port(tcp, 1)])
  await ports.add('db', [port(udp, 2)])
  ports.delete('db')
  await ports.close()
  expect(seen).toEqual([])
})

it('what is left is done before it closes', async () => {
  const { seen, ports } = looks()
  await ports.add('web', [port(udp, 1)])
  await ports.close()
  expect(seen).toEqual([[1]])
})

it('ports to which flows go already are looked at before the plug is answered, and not again', async () => {
  const { seen, ports } = looks({ used: [1] })
  await ports.add('web', [port(udp, 1)])
  expect(seen).toEqual([[1]])
  await ports.close()
  expect(seen).toHaveLength(1)
})

it('ports that change meanwhile are looked at as they are then', async () => {
  const { seen, ports } = looks()
  await ports.add('web', [port(udp, 1)])
  ports.change('web', [port(udp, 2)])
  ports.change('db', [port(udp, 3)])
  await ports.close()
  expect(seen).toEqual([[2]])
})
