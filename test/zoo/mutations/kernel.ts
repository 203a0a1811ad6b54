// Drivers that do not do in the kernel what they say.
import { existsSync } from 'node:fs'
import { ConetError } from '@conet/sdk'
import { deleteLink, Namespace, openSandbox, Rtnl, replaceAddress } from '@conet/sdk/linux'
import { interfacesOf, kernelParts, withKernel } from '../kernel/behaviour.ts'
import { goodKernel, portName } from '../kernel/ends.ts'
import { introducedWith, type Mutation, method } from './mutation.ts'

const of = { interfaces: true } as const
const otherMac = '02:00:00:00:00:99'

/** The good one that forgets a part of what it answers. */
function forgets(part: 'addresses' | 'routes' | 'neighbours' | 'sysctls'): Mutation['change'] {
  const none = part === 'sysctls' ? {} : []
  return kernelParts(({ configure }) => ({
    configure: (sandbox, wanted) => configure(sandbox, { ...wanted, [part]: none }),
    mend: (_endpointId, sandbox, wanted) => configure(sandbox, { ...wanted, [part]: none }),
  }))
}

/** The good kernel driver with a change of what has nothing to do with the kernel. */
function then(change: Mutation['change']): Mutation['change'] {
  return (good) => change(withKernel(good, goodKernel()))
}

export const kernelMutations: readonly Mutation[] = [
  {
    name: 'otherMac',
    does: 'makes the interface with a MAC of its own',
    of,
    fails: ['kernel.interfaces'],
    change: kernelParts(({ makePair }) => ({
      makePair: (id, sandbox, wanted) => makePair(id, sandbox, { ...wanted, macAddress: otherMac }),
    })),
  },
  {
    name: 'widerAddresses',
    does: 'sets addresses with another prefix than it says',
    of,
    fails: ['kernel.addresses', 'kernel.repeat-mends'],
    change: kernelParts(({ configure }) => {
      const wider: typeof configure = (sandbox, wanted) =>
        configure(sandbox, {
          ...wanted,
          addresses: wanted.addresses.map((address) => address.replace('/24', '/16')),
        })
      return { configure: wider, mend: (_endpointId, sandbox, wanted) => wider(sandbox, wanted) }
    }),
  },
  {
    name: 'saysExact',
    does: 'calls exact what it has set with a metric of its own',
    of,
    fails: ['kernel.exact'],
    change: (good) => {
      const kernel = goodKernel()
      const configure: typeof kernel.configure = (sandbox, wanted) => {
        kernel.configure(sandbox, wanted)
        using rtnl = Rtnl.openIn(sandbox)
        const { index: link } = rtnl.existingLink(wanted.name)
        rtnl.batch(wanted.addresses.map((address) => replaceAddress({ link, address, metric: 5 })))
      }
      const mend: typeof kernel.mend = (_endpointId, sandbox, wanted) => configure(sandbox, wanted)
      const changed = withKernel(good, { ...kernel, configure, mend })
      return {
        ...changed,
        interfaceOf: (endpoint) => ({ ...changed.interfaceOf(endpoint), exact: true }),
      }
    },
  },
  {
    name: 'forgetsRoutes',
    does: 'sets no routes',
    of,
    fails: ['kernel.routes'],
    change: forgets('routes'),
  },
  {
    name: 'forgetsNeighbours',
    does: 'sets no neighbours',
    of,
    fails: ['kernel.neighbours'],
    change: forgets('neighbours'),
  },
  {
    name: 'forgetsSysctls',
    does: 'leaves the settings as they are',
    of,
    fails: ['kernel.sysctls'],
    change: forgets('sysctls'),
  },
  {
    name: 'hasNothingToGive',
    does: 'leaves an interface to the host and does not say which',
    of,
    fails: ['kernel.plug-elsewhere', 'kernel.source'],
    change: then((good) => ({
      ...good,
      interfaceOf: (endpoint) => ({ ...good.interfaceOf(endpoint), configuredBy: 'host' }),
    })),
  },
  {
    name: 'makesItAgain',
    does: 'makes the interface anew when a plug is repeated',
    of,
    fails: ['kernel.repeat-without-interruption'],
    change: kernelParts(({ deletePair, makePair, configure }) => ({
      mend: (endpointId, sandbox, wanted) => {
        deletePair(endpointId)
        makePair(endpointId, sandbox, wanted)
        configure(sandbox, wanted)
      },
    })),
  },
  {
    name: 'neverMends',
    does: 'takes a plug that was made for one that is well',
    of,
    fails: ['kernel.repeat-mends', 'kernel.repeat-restores'],
    change: kernelParts(() => ({ restore: () => undefined, mend: () => undefined })),
  },
  {
    name: 'believesContainers',
    does: 'answers to a repeated plug what somebody has made of the interface since',
    of,
    fails: ['kernel.repeat-restores'],
    change: (good) => {
      const believing = withKernel(good, { ...goodKernel(), restore: () => undefined })
      return method(
        'endpoint/plug',
        (plug) => async (params, call) => asFound(await plug(params, call), params.sandbox.path),
      )(believing)
    },
  },
  {
    name: 'unplugsOnPaper',
    does: 'leaves the interface in the sandbox at an unplug',
    of,
    fails: ['kernel.plug-elsewhere', 'kernel.unplug-leaves-nothing'],
    change: then((good) => ({
      ...good,
      methods: {
        ...good.methods,
        'endpoint/unplug': async ({ endpointId }, call) => {
          call.session.driver.records.unplug(endpointId)
          return {}
        },
      },
    })),
  },
  {
    name: 'deletesOnPaper',
    does: 'leaves the interface of an endpoint that is deleted while it is plugged',
    of,
    fails: ['kernel.delete-endpoint-leaves-nothing'],
    change: then((good) => ({
      ...good,
      methods: {
        ...good.methods,
        'endpoint/delete': async ({ endpointId }, call) => {
          call.session.driver.records.endpoints.delete(endpointId)
          return {}
        },
      },
    })),
  },
  {
    name: 'keepsBridges',
    does: 'leaves the bridge of a network that is deleted',
    of,
    fails: ['kernel.delete-network-leaves-nothing'],
    change: kernelParts(() => ({ deleteNetwork: () => undefined })),
  },
  {
    name: 'needsTheSandbox',
    does: 'opens the sandbox to unplug from it',
    of,
    fails: ['kernel.sandbox-gone'],
    change: then(
      method('endpoint/unplug', (unplug) => (params, call) => {
        if (params.sandbox !== undefined) openSandbox(params.sandbox.path).close()
        return unplug(params, call)
      }),
    ),
  },
  {
    name: 'staysWhereItWas',
    does: 'plugs an endpoint into its first sandbox and no other',
    of,
    fails: ['kernel.plug-elsewhere'],
    change: (good) => {
      const first = new Map<string, string>()
      const change = then(
        method('endpoint/plug', (plug) => (params, call) => {
          const path = first.get(params.endpointId) ?? params.sandbox.path
          if (path !== params.sandbox.path) throw new ConetError('inUse', `plug: it belongs to ${path}`)
          first.set(params.endpointId, path)
          return plug(params, call)
        }),
      )
      return change(good)
    },
  },
  {
    name: 'takesNames',
    does: 'takes the name of what is in the sandbox already',
    of,
    fails: ['kernel.foreign-name'],
    change: kernelParts(({ makePair }) => ({
      makePair: (endpointId, sandbox, wanted) => {
        using rtnl = Rtnl.openIn(sandbox)
        rtnl.run(deleteLink(wanted.name), { tolerate: ['ENODEV'] })
        makePair(endpointId, sandbox, wanted)
      },
    })),
  },
  {
    name: 'emptiesSandboxes',
    does: 'takes everything out of a sandbox at an unplug',
    of,
    fails: ['kernel.foreign-untouched'],
    change: then(
      method('endpoint/unplug', (unplug) => async (params, call) => {
        const answer = await unplug(params, call)
        if (params.sandbox !== undefined && existsSync(params.sandbox.path)) empty(params.sandbox.path)
        return answer
      }),
    ),
  },
  {
    name: 'sandboxesAsArguments',
    does: 'calls a sandbox that is none an invalid argument',
    of,
    fails: ['kernel.bad-sandbox'],
    change: refusing('invalidSandbox', 'invalidArgument'),
  },
  {
    name: 'unreachableIsInvalid',
    does: 'does not tell a sandbox that it cannot reach from one that is none',
    of,
    fails: ['kernel.unreachable-sandbox'],
    change: refusing('sandboxUnreachable', 'invalidSandbox'),
  },
  {
    name: 'sharesNothing',
    does: 'says that it has a sandbox of its own, and makes an interface for each endpoint',
    of,
    fails: ['kernel.shared-interface'],
    change: then(
      introducedWith(({ capabilities }) => ({ capabilities: { ...capabilities, sandbox: 'private' } })),
    ),
  },
  {
    name: 'takesItAlong',
    does: 'takes its interfaces away when it ends',
    of,
    where: 'program',
    fails: ['kernel.driver-end-keeps'],
    change: then((good) => ({
      ...good,
      terminate: (driver) => {
        using rtnl = Rtnl.open()
        for (const endpointId of driver.records.endpoints.keys())
          rtnl.run(deleteLink(portName(endpointId)), { tolerate: ['ENODEV'] })
        return good.terminate(driver)
      },
    })),
  },
]

/** The good one that has another name for one of the failures to open a sandbox. */
function refusing(
  kind: 'invalidSandbox' | 'sandboxUnreachable',
  other: 'invalidArgument' | 'invalidSandbox',
): Mutation['change'] {
  return kernelParts(({ open }) => ({
    open: (path) => {
      try {
        return open(path)
      } catch (error) {
        if (ConetError.is(error, kind)) throw new ConetError(other, error.message)
        throw error
      }
    },
  }))
}

/** The answer with the MACs and MTUs that are in the sandbox. */
function asFound(answer: object, path: string): object {
  using sandbox = Namespace.open(path)
  using rtnl = Rtnl.openIn(sandbox)
  const interfaces = interfacesOf(answer).map((one) => {
    const { macAddress, mtu } = rtnl.existingLink(one.name)
    return { ...one, macAddress, mtu }
  })
  return { ...answer, interfaces }
}

function empty(path: string): void {
  using sandbox = Namespace.open(path)
  using rtnl = Rtnl.openIn(sandbox)
  for (const { name } of rtnl.links())
    if (name !== 'lo') rtnl.run(deleteLink(name), { tolerate: ['ENODEV', 'EOPNOTSUPP'] })
}
