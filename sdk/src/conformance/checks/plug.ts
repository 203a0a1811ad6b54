// The matrix of plug: which sandbox, which content, what was before.
import type { CreateEndpointParams, PluggedInterface, PlugResult } from '../../protocol/index.ts'
import type { CheckContext } from '../context/check-context.ts'
import { type KitHost, succeeded } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expectListed, listedEndpoints } from './listed.ts'
import { expect, NotApplicable } from './verdicts.ts'

export const plugChecks: readonly ActiveCheck[] = [
  {
    id: 'plug.answer',
    title:
      'the answer has one interface with the name, the MAC, the addresses and the MTU that were asked for',
    level: 'core',
    needs: ['root'],
    rules: ['RES-1'],
    sends: 'endpoint/create with MTU 1400, endpoint/plug',
    why: 'The host tells users of it, and configures what was left to it.',
    mend: 'Answer what is in the sandbox; names of several interfaces are distinct.',
    run: answersWhatWasAsked,
  },
  {
    id: 'plug.repeated',
    title: 'a plug that is repeated gives the same answer',
    level: 'core',
    needs: ['root'],
    rules: ['PLUG-1', 'IDEM-1'],
    sends: 'the same endpoint/plug four times, endpoint/list',
    why: 'After a lost answer the host asks again.',
    mend: 'Look at what is there, mend it, and answer as before.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      const sandbox = kit.sandbox()
      const first = await kit.plug(host, endpoint, sandbox)
      for (let time = 0; time < 3; time += 1) expectSame(await kit.plug(host, endpoint, sandbox), first)
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 1 })
    },
  },
  {
    id: 'plug.other-content',
    title: 'a plug with other content than the create is refused with 1003, before and after it is plugged',
    level: 'core',
    needs: ['root'],
    rules: ['PLUG-2'],
    sends: 'endpoint/plug with another MAC than the create, before and after a good one',
    why: 'Two sides that mean different things by one id must find out at once.',
    mend: 'Compare with what the endpoint was created with; answer conflict.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      const other = { ...endpoint, interface: { ...endpoint.interface, macAddress: '02:42:00:00:00:99' } }
      const sandbox = kit.sandbox()
      await host.refused('endpoint/plug', { ...other, sandbox }, ['conflict'])
      const first = await kit.plug(host, endpoint, sandbox)
      await host.refused('endpoint/plug', { ...other, sandbox }, ['conflict'])
      expectSame(await kit.plug(host, endpoint, sandbox), first)
    },
  },
  {
    id: 'plug.other-sandbox',
    title: 'a plug into a second sandbox is refused with 1004, until an unplug',
    level: 'core',
    needs: ['root'],
    rules: ['PLUG-3'],
    sends: 'endpoint/plug into one sandbox and into a second; endpoint/unplug; into the second again',
    why: 'One endpoint in two sandboxes is one address in two containers.',
    mend: 'Remember the sandbox of a plug, or find it; answer inUse.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kit.createEndpoint(host, await kit.createNetwork(host))
      const first = kit.sandbox()
      const second = kit.sandbox()
      await kit.plug(host, endpoint, first)
      await host.refused('endpoint/plug', { ...endpoint, sandbox: second }, ['inUse'])
      await host.call('endpoint/unplug', { ...refOf(endpoint), sandbox: first })
      await kit.plug(host, endpoint, second)
    },
  },
  {
    id: 'plug.pipelined',
    title: 'a plug that is sent behind its create, without waiting, succeeds',
    level: 'core',
    needs: ['root'],
    rules: ['CALL-6', 'CALL-5'],
    sends: 'endpoint/create and endpoint/plug without waiting',
    why: 'The host does so for every running container: it saves a round trip.',
    mend: 'Queue by endpoint.',
    async run(kit) {
      if (kit.introduction.capabilities.ipam === 'driver')
        throw new NotApplicable('the host waits for the addresses of a driver with its own IPAM')
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(await kit.createNetwork(host))
      const created = host.request('endpoint/create', endpoint)
      const plugged = host.request('endpoint/plug', { ...endpoint, sandbox: kit.sandbox() })
      succeeded('endpoint/create', await created)
      succeeded('endpoint/plug', await plugged)
    },
  },
  {
    id: 'plug.alone',
    title: 'a plug of an endpoint that is not there creates and plugs it',
    level: 'core',
    profile: 'plugCreates',
    needs: ['root'],
    rules: ['PLUG-7', 'PLUG-1'],
    sends: 'endpoint/plug without a create, twice; endpoint/list',
    why: 'The host sends nothing else to a driver that says it can do so: it is the quickest way into a container.',
    mend: 'Do in plug what create does for an endpoint that you do not know, or leave plugCreates out.',
    async run(kit) {
      if (kit.introduction.capabilities.ipam === 'driver')
        throw new NotApplicable('the host asks a driver with its own IPAM for the addresses first')
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(await kit.createNetwork(host))
      const sandbox = kit.sandbox()
      const first = await kit.plug(host, endpoint, sandbox)
      expectSame(await kit.plug(host, endpoint, sandbox), first)
      expectListed(await listedEndpoints(host), endpoint.endpointId, { times: 1 })
    },
  },
  {
    id: 'plug.after-failed-create',
    title: 'a plug behind a create that failed is refused with 1007, until a create succeeds',
    level: 'core',
    needs: ['root'],
    rules: ['CALL-6'],
    sends:
      'endpoint/create with options that are no object, and endpoint/plug without waiting; then both again, right',
    why: 'The host sends both together; a plug that goes through alone would leave what nobody knows of.',
    mend: 'Remember on the connection that the create failed, and refuse the plug.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = kit.objects.endpoint(await kit.createNetwork(host))
      const sandbox = kit.sandbox()
      const created = host.refused('endpoint/create', { ...endpoint, options: 'none' }, ['invalidArgument'])
      const plugged = host.refused('endpoint/plug', { ...endpoint, sandbox }, ['failedPrecondition'])
      await Promise.all([created, plugged])
      const { addresses = endpoint.interface.addresses } = await host.call('endpoint/create', endpoint)
      await kit.plug(host, { ...endpoint, interface: { ...endpoint.interface, addresses } }, sandbox)
    },
  },
  {
    id: 'plug.sandbox-gone',
    title: 'a plug into a path that is gone is refused with 1402',
    level: 'core',
    needs: ['root'],
    rules: ['PLUG-4', 'IDEM-5'],
    sends: 'endpoint/plug into a path that is not there; then into one that is',
    why: 'Containers die while they are plugged; the host must know that it was that.',
    mend: 'Open the namespace first; answer invalidSandbox when it is not there.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kernelEndpoint(kit, host)
      const path = `${kit.sandbox().path}-gone`
      await host.refused('endpoint/plug', { ...endpoint, sandbox: { id: path, path } }, ['invalidSandbox'])
      await kit.plug(host, endpoint, kit.sandbox())
    },
  },
  {
    id: 'plug.own-namespace',
    title: 'a plug into the namespace of the driver itself is refused with 1402',
    level: 'resilient',
    needs: ['root', 'command'],
    rules: ['PLUG-4'],
    sends: 'endpoint/plug into /proc/PID/ns/net of the driver’s own process',
    why: 'It would give the machine the address of a container.',
    mend: 'Compare device and inode of the sandbox with your own namespace.',
    async run(kit) {
      using host = await kit.connect()
      const endpoint = await kernelEndpoint(kit, host)
      const path = `/proc/${kit.process.pid}/ns/net`
      await host.refused('endpoint/plug', { ...endpoint, sandbox: { id: path, path } }, ['invalidSandbox'])
    },
  },
]

async function answersWhatWasAsked(kit: CheckContext): Promise<void> {
  using host = await kit.connect()
  const base = kit.objects.endpoint(await kit.createNetwork(host))
  const wanted = { ...base, interface: { ...base.interface, mtu: 1400 } }
  const { addresses = wanted.interface.addresses } = await host.call('endpoint/create', wanted)
  const endpoint = { ...wanted, interface: { ...wanted.interface, addresses } }
  const { interfaces } = await kit.plug(host, endpoint, kit.sandbox())
  if (interfaces.length === 0) return
  const names = interfaces.map(({ name }) => name)
  expect(new Set(names).size === names.length, 'two interfaces of one name', { found: names })
  const { name, macAddress, mtu } = endpoint.interface
  const asked = { name, macAddress, mtu, addresses }
  const one = interfaces.find((candidate) => candidate.name === name)
  expect(one !== undefined, `no interface is named ${name}, as was asked for`, {
    expected: asked,
    found: interfaces,
  })
  expectAsAsked(one, asked)
}

/** Each member that differs is named. */
function expectAsAsked(
  one: PluggedInterface,
  asked: Pick<PluggedInterface, 'macAddress' | 'mtu' | 'addresses'>,
): void {
  const members = (['macAddress', 'mtu'] as const).filter((member) => one[member] !== asked[member])
  const hasAll = asked.addresses.every((address) => one.addresses.includes(address))
  const different = [...members, ...(hasAll ? [] : ['addresses'])].join(', ')
  const message = `interface ${one.name} is not as it was asked for: ${different}`
  expect(different === '', message, { expected: asked, found: one })
}

/** An endpoint of a driver that acts on the kernel; one that does not has no use for a sandbox. */
async function kernelEndpoint(kit: CheckContext, host: KitHost): Promise<CreateEndpointParams> {
  const network = await kit.createNetwork(host)
  const tried = await kit.createEndpoint(host, network)
  const { interfaces } = await kit.plug(host, tried, kit.sandbox())
  if (interfaces.length === 0) throw new NotApplicable('the driver takes no kernel action')
  return kit.createEndpoint(host, network)
}

function refOf({ network, endpointId }: CreateEndpointParams) {
  return { networkId: network.id, endpointId }
}

function expectSame(again: PlugResult, first: PlugResult): void {
  const isSame = JSON.stringify(again) === JSON.stringify(first)
  expect(isSame, 'another answer to the same plug', { expected: first, found: again })
}
