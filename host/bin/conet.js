#!/usr/bin/env node
import '../dist/programs/conet.js'
