package api

import "github.com/rekey-dev/rekey/internal/rotation"

func waitsOf(w rotation.Waits) Waits {
	return Waits{
		VerifyEveryHours:    hours(w.VerifyEvery),
		VerifyDeadlineHours: hours(w.VerifyDeadline),
		VerifySuccesses:     w.VerifySuccesses,
		CreateAttempts:      w.CreateAttempts,
		LostAnswerHours:     hours(w.LostAnswer),
		LookAgainHours:      [3]hours{hours(w.LookAgain[0]), hours(w.LookAgain[1]), hours(w.LookAgain[2])},
		ResendHours:         hours(w.Resend),
		RetryAfterHours:     hours(w.RetryAfter),
		GiveUpHours:         hours(w.GiveUp),
		GrantSettlesHours:   hours(w.GrantSettles),
		RetryFailedHours:    hours(w.RetryFailed),
		MissingAgainHours:   hours(w.MissingAgain),
		GoneHours:           hours(w.Gone),
		EmergencyCutHours:   hours(w.EmergencyCut),
		HeartbeatHours:      hours(w.Heartbeat),
	}
}

func (w Waits) domain() rotation.Waits {
	look := w.LookAgainHours
	return rotation.Waits{
		VerifyEvery:     w.VerifyEveryHours.duration(),
		VerifyDeadline:  w.VerifyDeadlineHours.duration(),
		VerifySuccesses: w.VerifySuccesses,
		CreateAttempts:  w.CreateAttempts,
		LostAnswer:      w.LostAnswerHours.duration(),
		LookAgain:       rotation.Looks{look[0].duration(), look[1].duration(), look[2].duration()},
		Resend:          w.ResendHours.duration(),
		RetryAfter:      w.RetryAfterHours.duration(),
		GiveUp:          w.GiveUpHours.duration(),
		GrantSettles:    w.GrantSettlesHours.duration(),
		RetryFailed:     w.RetryFailedHours.duration(),
		MissingAgain:    w.MissingAgainHours.duration(),
		Gone:            w.GoneHours.duration(),
		EmergencyCut:    w.EmergencyCutHours.duration(),
		Heartbeat:       w.HeartbeatHours.duration(),
	}
}
