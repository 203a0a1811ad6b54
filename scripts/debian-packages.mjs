// Installs what conet, its demo, its tests and its bench need of the machine and it has not, each from its Debian package.
// `node scripts/debian-packages.mjs [demo|test|bench]`: for one purpose only. The set-up runs it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A thing that must be there: a program by its name, a library by its file's, another file by its path. */
const needs = [
  { package: 'iproute2', program: 'ip', for: ['demo', 'test', 'bench'] },
  { package: 'libnftables1', library: 'libnftables.so.1', for: ['demo', 'test', 'bench'] },
  { package: 'nftables', program: 'nft', for: ['demo', 'test', 'bench'] },
  { package: 'runc', program: 'runc', for: ['demo', 'test'] },
  { package: 'crun', program: 'crun', for: ['test'] },
  { package: 'podman', program: 'podman', for: ['test'] },
  { package: 'busybox-static', program: 'busybox', for: ['demo', 'test'] },
  { package: 'iputils-ping', program: 'ping', for: ['test'] },
  { package: 'conntrack', program: 'conntrack', for: ['test'] },
  { package: 'tcpdump', program: 'tcpdump', for: ['test'] },
  { package: 'etcd-server', program: 'etcd', for: ['test', 'bench'] },
  { package: 'etcd-client', program: 'etcdctl', for: ['test', 'bench'] },
  { package: 'libfaketime', library: 'faketime/libfaketime.so.1', for: ['test'] },
  { package: 'python3', program: 'python3', for: ['test'] },
  { package: 'iptables', program: 'iptables', for: ['test', 'bench'] },
  // Only a rival of the bench, which goes on without it.
  { package: 'containernetworking-plugins', path: '/usr/lib/cni/bridge', for: ['bench'], optional: true },
]

const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
const aptOptions = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300']
const aptInstall = ['install', '--no-install-recommends', ...aptOptions]

ensureDebianPackages(process.argv[2])

/** Installs what is missing for the purpose (`demo`, `test`, `bench`; all of it without one). */
function ensureDebianPackages(purpose) {
  const missing = needs.filter((need) => (!purpose || need.for.includes(purpose)) && !isThere(need))
  if (missing.length === 0) return
  const required = missing.filter(({ optional }) => !optional).map((need) => need.package)
  const optional = missing.filter((need) => need.optional).map((need) => need.package)
  const names = [...required, ...optional].join(' ')
  if (process.getuid() !== 0) {
    if (required.length > 0) fail(`${names} must be installed; as root: apt-get install ${names}`)
    return
  }
  say(`installing ${names}`)
  apt(['update', ...aptOptions], { report: (why) => say(`apt-get update failed, trying on: ${why}`) })
  if (required.length > 0) {
    apt([...aptInstall, ...required], {
      report: (why) => fail(`apt-get could not install ${required.join(' ')}: ${why}`),
    })
  }
  for (const name of optional) {
    apt([...aptInstall, name], { report: (why) => say(`going on without ${name}: ${why}`) })
  }
  const still = missing.filter((need) => !need.optional && !isThere(need)).map((need) => need.package)
  if (still.length > 0) fail(`still missing after apt-get: ${still.join(' ')}`)
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

function apt(args, { report }) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' }
  const result = spawnSync('apt-get', args, { env, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  if (result.error) report(result.error.message)
  else if (result.status !== 0) report(lastLines(`${result.stdout}${result.stderr}`, 6))
}

function isThere({ program, library, path }) {
  if (program !== undefined) return directoriesOfPath().some((folder) => existsSync(join(folder, program)))
  if (library !== undefined) return libraryFolders().some((folder) => existsSync(join(folder, library)))
  return existsSync(path)
}

function directoriesOfPath() {
  return [...(process.env.PATH ?? '').split(':'), ...systemPath]
}

/** Debian keeps libraries in one folder an architecture: /usr/lib/x86_64-linux-gnu. */
function libraryFolders() {
  const folders = ['/usr/lib', '/usr/local/lib', '/usr/lib64']
  const multiarch = readdirSync('/usr/lib').filter((name) => name.includes('-linux-gnu'))
  return [...folders, ...multiarch.map((name) => join('/usr/lib', name))]
}

function lastLines(text, count) {
  return text.trim().split('\n').slice(-count).join('\n  ')
}
