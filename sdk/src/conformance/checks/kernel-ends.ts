// What is left in the kernel when something has ended, and what of others is never touched.
import { unlinkSync, writeFileSync } from 'node:fs'
import { createBridge, Namespace, Rtnl } from '../../linux/index.ts'
import type { Sandbox } from '../../protocol/index.ts'
import { additions, type Picture, pictureOf } from '../kernel/picture.ts'
import { plugged, plugIn, refOf, unplug } from '../kernel/plugged.ts'
import { failedWith, type Reply, succeeded } from '../wire/kit-host.ts'
import type { ActiveCheck } from './check.ts'
import { expect, NotApplicable } from './verdicts.ts'

const why = 'What is left behind holds names and addresses, and breaks the next container that gets them.'
const mend =
  'Take away everything that you made, and answer when it is gone; deleting one end of a veth deletes both.'
const shared = { level: 'core', needs: ['root'], why, mend } as const

export const kernelEndChecks: readonly ActiveCheck[] = [
  {
    ...shared,
    id: 'kernel.unplug-leaves-nothing',
    title: 'after an unplug nothing of the plug is left, in the sandbox or outside',
    rules: ['PLUG-6'],
    sends: 'endpoint/plug and endpoint/unplug; it compares the kernel before and after, inside and outside',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      const outside = pictureOf()
      const sandbox = kit.sandbox()
      const inside = pictureOf(sandbox.path)
      const result = await plugIn(kit, host, endpoint, sandbox)
      await unplug(host, { network, endpoint, sandbox, result })
      expectNothingNew(inside, pictureOf(sandbox.path), 'in the sandbox')
      expectNothingNew(outside, pictureOf(), 'in the host’s namespace')
    },
  },
  {
    ...shared,
    id: 'kernel.delete-endpoint-leaves-nothing',
    title: 'deleting an endpoint that is plugged takes the plug away too',
    rules: ['EP-4'],
    sends: 'endpoint/plug and endpoint/delete without an unplug; it compares the kernel before and after',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const outside = pictureOf()
      const endpoint = await kit.createEndpoint(host, network)
      const sandbox = kit.sandbox()
      const inside = pictureOf(sandbox.path)
      await plugIn(kit, host, endpoint, sandbox)
      await host.call('endpoint/delete', refOf(endpoint))
      expectNothingNew(inside, pictureOf(sandbox.path), 'in the sandbox')
      expectNothingNew(outside, pictureOf(), 'in the host’s namespace')
    },
  },
  {
    ...shared,
    id: 'kernel.delete-network-leaves-nothing',
    title: 'after the last endpoint and the network are deleted the kernel is as it was before',
    rules: ['NET-5'],
    sends: 'a whole life, from network/create to network/delete; it compares the kernel before and after',
    async run(kit) {
      using host = await kit.connect()
      const outside = pictureOf()
      const made = await plugged(kit, host)
      await unplug(host, made)
      await host.call('endpoint/delete', refOf(made.endpoint))
      await host.call('network/delete', { networkId: made.network.id })
      expectNothingNew(outside, pictureOf(), 'in the host’s namespace')
    },
  },
  {
    ...shared,
    id: 'kernel.sandbox-gone',
    title: 'an endpoint whose sandbox is gone is unplugged and deleted without an error or a trace',
    rules: ['PLUG-6', 'EP-4'],
    sends: 'endpoint/plug; it deletes the namespace; endpoint/unplug and endpoint/delete',
    why: 'Containers die at any moment, and their namespace with them.',
    mend: 'Take a sandbox that is gone, which openSandbox of the SDK calls invalidSandbox, for an unplug that is done.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const outside = pictureOf()
      const endpoint = await kit.createEndpoint(host, network)
      const sandbox = kit.sandbox()
      await plugIn(kit, host, endpoint, sandbox)
      kit.deleteSandbox(sandbox)
      await host.call('endpoint/unplug', { ...refOf(endpoint), sandbox })
      await host.call('endpoint/delete', refOf(endpoint))
      expectNothingNew(outside, pictureOf(), 'in the host’s namespace')
    },
  },
  {
    ...shared,
    id: 'kernel.plug-elsewhere',
    title: 'after an unplug the endpoint can be plugged into another sandbox',
    rules: ['PLUG-3', 'PLUG-6'],
    sends: 'plug, unplug, and a plug into another sandbox',
    why: 'A container that is started again has another namespace.',
    async run(kit) {
      using host = await kit.connect()
      const made = await plugged(kit, host)
      await unplug(host, made)
      const second = kit.sandbox()
      const { interfaces } = await plugIn(kit, host, made.endpoint, second)
      const names = pictureOf(second.path).links.map(({ name }) => name)
      const missing = interfaces.filter(({ name }) => !names.includes(name))
      expect(missing.length === 0, 'interfaces are missing in the second sandbox', {
        expected: interfaces,
        found: names,
      })
    },
  },
  {
    ...shared,
    id: 'kernel.foreign-name',
    title:
      'a name in the sandbox that is somebody else’s stays as it is; the plug fails with 1003 and leaves nothing',
    rules: ['PLUG-5', 'IDEM-5'],
    sends: 'endpoint/plug with a name that a link in the sandbox has already',
    why: 'What the container made itself is not the driver’s to replace.',
    mend: 'Make the interface only where the name is free, and undo what was made when a step fails.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      const outside = pictureOf()
      const sandbox = kit.sandbox()
      const foreign = addForeignLink(sandbox, endpoint.interface.name)
      const reply = await host.request('endpoint/plug', { ...endpoint, sandbox })
      assertNamedByDriver(reply)
      failedWith('endpoint/plug', reply, ['conflict'])
      const found = pictureOf(sandbox.path).links.find(({ name }) => name === endpoint.interface.name)
      expect(found?.index === foreign, 'the foreign link is gone', { expected: foreign, found: found?.index })
      expectNothingNew(outside, pictureOf(), 'in the host’s namespace')
    },
  },
  {
    ...shared,
    id: 'kernel.foreign-untouched',
    title: 'what others have in the sandbox is still there after plug, unplug and delete',
    rules: ['PLUG-5', 'PLUG-6'],
    sends: 'plug, unplug and delete in a sandbox that has a link “foreign0”',
    why: 'Other networks, and the container itself, have interfaces in the same namespace.',
    mend: 'Take away what you made, by its name or index, and nothing else.',
    async run(kit) {
      using host = await kit.connect()
      const network = await kit.createNetwork(host)
      const endpoint = await kit.createEndpoint(host, network)
      const sandbox = kit.sandbox()
      addForeignLink(sandbox, 'foreign0')
      const before = pictureOf(sandbox.path)
      const result = await plugIn(kit, host, endpoint, sandbox)
      await unplug(host, { network, endpoint, sandbox, result })
      await host.call('endpoint/delete', refOf(endpoint))
      const lost = additions(pictureOf(sandbox.path), before)
      expect(lost.length === 0, 'something of others is gone', { found: lost })
    },
  },
  {
    ...shared,
    id: 'kernel.bad-sandbox',
    title: 'a sandbox that is no network namespace, is gone, or is the host’s own is refused',
    rules: ['PLUG-4'],
    sends:
      'endpoint/create, and endpoint/plug into /nonexistent/kit, into a plain file and into /proc/self/ns/net',
    why: 'A plug into the wrong namespace takes the machine off the network.',
    mend: 'Open the path, see that it is a network namespace, and not the one that you are in.',
    async run(kit) {
      using host = await kit.connect()
      const { network } = await plugged(kit, host)
      const bad = { gone: '/nonexistent/kit', file: import.meta.filename, 'host’s own': '/proc/self/ns/net' }
      for (const [what, path] of Object.entries(bad)) {
        const other = await kit.createEndpoint(host, network)
        const reply = await host.request('endpoint/plug', { ...other, sandbox: { id: 'kit', path } })
        failedWith(`endpoint/plug (${what})`, reply, ['invalidSandbox'])
      }
    },
  },
  {
    ...shared,
    id: 'kernel.unreachable-sandbox',
    title: 'a sandbox path that is an empty file is refused with 1403',
    rules: ['PLUG-4'],
    sends: 'endpoint/create, and endpoint/plug into an empty plain file',
    why: 'It is what a driver in another mount namespace sees; the operator must learn that it is this.',
    mend: 'Answer sandboxUnreachable for an empty plain file, so that the host can say how to mend it.',
    async run(kit) {
      using host = await kit.connect()
      const { network } = await plugged(kit, host)
      const endpoint = await kit.createEndpoint(host, network)
      const sandbox = kit.sandbox()
      kit.deleteSandbox(sandbox)
      writeFileSync(sandbox.path, '')
      try {
        const reply = await host.request('endpoint/plug', { ...endpoint, sandbox })
        failedWith('endpoint/plug', reply, ['sandboxUnreachable'])
      } finally {
        unlinkSync(sandbox.path)
      }
    },
  },
  {
    ...shared,
    id: 'kernel.driver-end-keeps',
    title: 'when the driver ends, also by SIGKILL, what is plugged stays plugged',
    level: 'resilient',
    needs: ['command', 'root'],
    rules: ['SOCK-8', 'SOCK-7'],
    sends: 'endpoint/plug, then SIGTERM, and another time SIGKILL, to the process',
    why: 'An update of the driver must not take running containers off the network.',
    mend: 'Take nothing away on the way out.',
    async run(kit) {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        const host = await kit.connect()
        const { sandbox } = await plugged(kit, host)
        const before = pictureOf(sandbox.path)
        await kit.process.end(signal)
        const lost = additions(pictureOf(sandbox.path), before)
        await kit.process.restart()
        expect(lost.length === 0, `${signal} took something out of the sandbox`, { found: lost })
      }
    },
  },
]

function expectNothingNew(before: Picture, after: Picture, where: string): void {
  const left = additions(before, after)
  expect(left.length === 0, `something is left ${where}`, { expected: 'nothing', found: left })
}

/** Answers its index. */
function addForeignLink({ path }: Sandbox, name: string): number {
  using namespace = Namespace.open(path)
  using rtnl = Rtnl.openIn(namespace)
  return rtnl.create(createBridge({ name })).index
}

/** With a driver that makes no interface, or leaves it to the host, a name is the host’s business. */
function assertNamedByDriver(reply: Reply): void {
  if ('error' in reply) return
  const { interfaces } = succeeded('endpoint/plug', reply)
  if (interfaces.some(({ configuredBy }) => configuredBy === 'driver')) return
  throw new NotApplicable('the driver puts no interface into the sandbox itself')
}
