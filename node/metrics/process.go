package metrics

// processReader is what is read of the process itself.
type processReader struct {
	answers, parcels, unsent, refused read
	warnings, free, size              read
}

func declareProcess(b *book) processReader {
	return processReader{
		answers:  b.gauge(Sum, "engine_answers", "1 if the goroutine that owns the node's state answered this scrape; else 0, and the metrics of its roles are not there."),
		parcels:  b.gauge(Sum, "engine_waiting_parcels", "Parcels of peers that wait for that goroutine."),
		unsent:   b.total(Sum, "frames_unsent_total", "Frames that could not be queued for their peer."),
		refused:  b.total(Sum, "payloads_refused_total", "Payloads of peers that this node refused as malformed."),
		warnings: b.gauge(Sum, "warnings", "Warnings that `ganglion status` shows of this node now."),
		free:     b.gauge(Each, "state_free_bytes", "Free space where the state directory is; not there where there is none, or the system does not tell. Nodes of one machine may share it."),
		size:     b.gauge(Each, "state_size_bytes", "Size of the file system where the state directory is."),
	}
}

func (r *processReader) collect(out sample, s *Snapshot) {
	answers := 0
	if s.Roles != nil {
		answers = 1
	}
	put(out, r.answers, answers)
	put(out, r.parcels, s.Parcels)
	put(out, r.unsent, s.Unsent)
	put(out, r.refused, s.Refused)
	put(out, r.warnings, s.Warnings)
	if s.State.SizeBytes > 0 {
		put(out, r.free, s.State.FreeBytes)
		put(out, r.size, s.State.SizeBytes)
	}
}

// Disk is the space of a file system; zero where it is not known.
type Disk struct {
	FreeBytes, SizeBytes uint64
}
