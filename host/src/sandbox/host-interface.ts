// An interface that a driver leaves to the host, and the two namespaces between which it goes.
import { ConetError, type PluggedInterface } from '@conet/sdk'
import { KernelError, Namespace, openSandbox, Rtnl } from '@conet/sdk/linux'

/** Made by its driver as `sourceName`, where the host finds it. */
export type HostInterface = PluggedInterface & { readonly sourceName: string }

/** Those of an answer that are the host's to bring in. */
export function leftToHost(interfaces: readonly PluggedInterface[]): HostInterface[] {
  return interfaces.filter(isLeftToHost)
}

export function isLeftToHost(plugged: PluggedInterface): plugged is HostInterface {
  return plugged.configuredBy === 'host' && plugged.sourceName !== undefined
}

/** Where the interface comes from and where it goes, both open. */
export class Passage implements Disposable {
  readonly source: Namespace
  readonly sandbox: Namespace
  readonly outside: Rtnl
  readonly inside: Rtnl

  /** Throws `protocolViolation` for a source that is none, `invalidSandbox` and its like for the sandbox. */
  constructor(sandboxPath: string, wanted: HostInterface) {
    this.sandbox = openSandbox(sandboxPath)
    try {
      this.source = openSource(wanted, this.sandbox)
    } catch (error) {
      this.sandbox.close()
      throw error
    }
    this.outside = Rtnl.openIn(this.source)
    this.inside = Rtnl.openIn(this.sandbox)
  }

  [Symbol.dispose](): void {
    this.outside.close()
    this.inside.close()
    this.source.close()
    this.sandbox.close()
  }
}

function openSource(wanted: HostInterface, sandbox: Namespace): Namespace {
  const source = openSourceNamespace(wanted)
  if (source === undefined) throw wrongSource(wanted, 'is no network namespace that conetd can open')
  if (source.id !== sandbox.id) return source
  source.close()
  throw wrongSource(wanted, 'is the sandbox itself')
}

/** Undefined when nothing is there, or something else: the namespace may have ended with its last process. */
export function openSourceNamespace({ sourceNamespace }: HostInterface): Namespace | undefined {
  if (sourceNamespace === undefined) return Namespace.current()
  try {
    return Namespace.open(sourceNamespace)
  } catch (error) {
    if (KernelError.is(error)) return undefined
    throw error
  }
}

function wrongSource({ name, sourceNamespace }: HostInterface, why: string): ConetError {
  return new ConetError(
    'protocolViolation',
    `bring interface ${name} into the sandbox: the driver's sourceNamespace ${sourceNamespace} ${why}`,
    { fields: [{ path: 'sourceNamespace', message: why }] },
  )
}
