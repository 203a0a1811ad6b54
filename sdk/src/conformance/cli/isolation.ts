// The kit in network and mount namespaces of its own, so that a driver that it starts touches nothing of the machine.
import { spawn } from 'node:child_process'
import { enterPrivateNamespaces } from '../../linux/private-namespaces.ts'
import { exitCodes } from '../report/exit-codes.ts'
import { Interruption } from './terminal.ts'

const marker = 'CONET_CONFORMANCE_ISOLATED'

/** Without root there are no namespaces to be had; the child of `runIsolated` is in them already. */
export function canIsolate(): boolean {
  return process.getuid?.() === 0 && process.env[marker] === undefined
}

/** Runs this same command again inside. Resolves to its exit code. Throws a KernelError where that is not allowed. */
export function runIsolated(signal: AbortSignal): Promise<number> {
  enterPrivateNamespaces()
  const args = [...process.execArgv, ...process.argv.slice(1)]
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, [marker]: '1' } })
  // At a terminal the child hears of it twice, and takes it for once.
  const pass = () => child.kill(signal.reason instanceof Interruption ? signal.reason.signal : 'SIGTERM')
  signal.addEventListener('abort', pass, { once: true })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? exitCodes.engine))
  })
}
