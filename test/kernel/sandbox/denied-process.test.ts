import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

/** What conetd says of the namespace where it has not the capability to look at processes that have more than it. */
function refusalWithout(capability: string, source: { pid?: number; netns?: string }) {
  const script = `
    import { SandboxKeeper } from '@conet/host/sandbox/index'
    try {
      new SandboxKeeper('/nowhere').identify(${JSON.stringify(source)})
    } catch ({ kind, message, help }) {
      console.log(JSON.stringify({ kind, message, help }))
    }`
  const argv = [`--bounding-set=-${capability}`, `--inh-caps=-${capability}`]
  const node = [process.execPath, '--input-type=module', '-e', script]
  return JSON.parse(
    execFileSync('setpriv', [...argv, ...node], { encoding: 'utf8', cwd: import.meta.dirname }),
  )
}

it('a process that conetd may not look into is told, with what to do', () => {
  const { pid } = process
  const help = expect.stringContaining('conetd needs CAP_SYS_PTRACE')
  expect(refusalWithout('sys_ptrace', { pid })).toEqual({
    kind: 'permissionDenied',
    message: `conetd may not open the network namespace of the process ${pid}`,
    help,
  })
  const netns = `/proc/${pid}/ns/net`
  expect(refusalWithout('sys_ptrace', { netns })).toMatchObject({
    message: `conetd may not open the network namespace at ${netns}`,
    help,
  })
})

it('the first process of the machine is told to be nobody’s container', () => {
  const help = expect.stringContaining(
    'process 1 is not the container’s: name a process that runs in the container',
  )
  expect(refusalWithout('sys_ptrace', { pid: 1 })).toMatchObject({ kind: 'permissionDenied', help })
})
