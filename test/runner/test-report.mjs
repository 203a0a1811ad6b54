// What a person sees of the tests: a line for each file that runs in namespaces of its own, one for all the others, and
// what went wrong with all that the file has written.
const mostOutput = 1_000_000

export class TestReport {
  #root
  #slowSeconds
  #vitest
  #begun = performance.now()
  #starts = new Map()
  #outputs = new Map()
  #sharedFrom
  #shared = { files: 0, passed: 0, failed: 0 }
  /** Of each file, when it ran last. */
  #results = new Map()
  #ended = new Set()
  #errorsOutside = 0

  constructor({ root, slowSeconds }) {
    this.#root = root
    this.#slowSeconds = slowSeconds
  }

  /** Something that the file has written. */
  said(file, text) {
    this.#outputs.set(file, `${this.#outputs.get(file) ?? ''}${text}`.slice(-mostOutput))
  }

  get totals() {
    const none = { passed: 0, failed: this.#errorsOutside }
    return [...this.#results.values()].reduce(plus, none)
  }

  /** Of the files that failed when they ran last: their titles. */
  get failed() {
    const failed = [...this.#results].filter(([, { failed }]) => failed > 0)
    return failed.map(([moduleId]) => this.#title(moduleId))
  }

  /** Before the tests: for its state, and for how it shows errors. What ran before may run again. */
  begin(vitest) {
    this.#vitest = vitest
    this.#ended.clear()
    this.#shared = { files: 0, passed: 0, failed: 0 }
    this.#sharedFrom = undefined
  }

  onTestModuleQueued({ moduleId }) {
    this.#starts.set(moduleId, performance.now())
  }

  onUserConsoleLog({ content, taskId }) {
    const entity = taskId === undefined ? undefined : this.#vitest.state.idMap.get(taskId)
    if (entity !== undefined) this.said(entity.file.filepath, content)
  }

  onTestModuleEnd(module) {
    const { moduleId, project } = module
    this.#ended.add(moduleId)
    const passed = count(module, 'passed')
    const failed = failures(module)
    const isShared = project.name === 'shared'
    const from = this.#starts.get(moduleId)
    this.#sharedFrom ??= isShared ? from : undefined
    if (isShared) this.#shared = plus(this.#shared, { files: 1, passed, failed })
    if (!isShared || failed > 0) this.#tell(this.#title(moduleId), { passed, failed, from })
    this.#results.set(moduleId, { passed, failed })
    if (failed > 0) this.#explain(module)
    this.#outputs.delete(moduleId)
  }

  /** A file that ended without a result, or an error outside the tests, fails without a failed test. */
  onTestRunEnd(modules, errors) {
    const { files, passed, failed } = this.#shared
    if (files > 0)
      this.#tell(files === 1 ? '1 file' : `${files} files`, { passed, failed, from: this.#sharedFrom })
    const lost = modules.filter(({ moduleId }) => !this.#ended.has(moduleId))
    for (const { moduleId } of lost) {
      this.#results.set(moduleId, { passed: 0, failed: 1 })
      this.#tell(this.#title(moduleId), { passed: 0, failed: 1, from: this.#starts.get(moduleId) })
      console.log(this.#outputs.get(moduleId) ?? '')
    }
    for (const error of errors) this.#vitest.logger.printError(error, { fullStack: true })
    // One who is lost is an error too.
    this.#errorsOutside += Math.max(0, errors.length - lost.length)
  }

  #title(moduleId) {
    return moduleId.slice(this.#root.length + 1)
  }

  #tell(title, { passed, failed, from = this.#begun }) {
    const seconds = (performance.now() - from) / 1_000
    const time = seconds >= this.#slowSeconds ? ` (slow: ${seconds.toFixed(0)} s)` : ''
    console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${title}: ${passed} passed, ${failed} failed${time}`)
  }

  #explain(module) {
    console.log(this.#outputs.get(module.moduleId) ?? '')
    for (const { title, errors } of faults(module)) {
      console.log(`FAIL ${title}`)
      for (const error of errors) this.#vitest.logger.printError(error, { project: module.project })
    }
  }
}

const count = (module, state) => [...module.children.allTests(state)].length

function failures(module) {
  const failed = count(module, 'failed')
  return failed === 0 && !module.ok() ? 1 : failed
}

/** Of the tests, and of what is around them. */
function faults(module) {
  const around = [module, ...module.children.allSuites()].map((suite) => ({
    title: suite.fullName ?? suite.relativeModuleId,
    errors: suite.errors(),
  }))
  const tests = [...module.children.allTests('failed')].map((test) => ({
    title: test.fullName,
    errors: test.result().errors ?? [],
  }))
  return [...around, ...tests].filter(({ errors }) => errors.length > 0)
}

function plus(sum, more) {
  return { ...sum, ...Object.fromEntries(Object.entries(more).map(([key, n]) => [key, sum[key] + n])) }
}
