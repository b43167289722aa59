package cli

// showRotation shows a rotation, with what it has brought about where that is known.
func showRotation(p *page, r record) {
	p.fields(r,
		column{"Rotation:", "id", nil}, column{"State:", "state", nil}, column{"Reason:", "reason", nil}, column{"Asked for by:", "actor", nil},
		column{"Emergency:", "emergency", onlyTrue}, column{"Key id:", "keyId", nil}, column{"Requested:", "requestedAt", when},
		column{"Published:", "publishedAt", when}, column{"Ended:", "endedAt", when}, column{"Waits until:", "waitsUntil", when}, column{"Waits for:", "waiting", nil})
	if deployments := r.list("deployments"); len(deployments) > 0 {
		p.title("TARGETS")
		p.table(deployments, "",
			column{"TARGET", "target", nil}, column{"INTEGRATION", "integration", nil}, column{"STATE", "state", nil}, column{"ATTEMPTS", "attempts", nil},
			column{"CONFIRMED", "confirmedAt", when}, column{"NEXT", "nextAt", when}, column{"RECEIPT", "receipt", nil}, column{"LAST ERROR", "lastError", nil})
	}
	if retirements := r.list("retirements"); len(retirements) > 0 {
		p.title("OLDER CREDENTIALS")
		p.table(retirements, "",
			column{"KEY ID", "keyId", nil}, column{"STATE", "state", nil}, column{"REMOVED", "removedAt", when}, column{"LOOKED AT AGAIN", "until", when}, column{"REASON", "reason", nil})
	}
}
