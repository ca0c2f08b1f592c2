package registry

// Limits bounds what a hostile image or archive can cost. Zero fields take the value of DefaultLimits.
type Limits struct {
	ManifestBytes int64 // one manifest or index document
	ConfigBytes   int64 // one image configuration
	Layers        int   // layers of one image
	IndexDepth    int   // nesting of indexes
	IndexEntries  int   // manifests in one index document

	LayerBytes  int64 // one layer, uncompressed, and the sum of the sizes of its files
	ImageBytes  int64 // all layers of one image, or of one archive given to Load, uncompressed
	Ratio       int64 // uncompressed bytes of all layers for each compressed byte, beyond RatioFree
	RatioFree   int64 // uncompressed bytes of all layers that no ratio limits
	Entries     int   // entries of all layers of one image
	Depth       int   // components of one path
	PathBytes   int   // one path or link target
	RecordBytes int   // PAX records of one entry
	MetaBytes   int64 // paths, links and xattrs of all layers of one image

	ArchiveEntries int   // entries of one archive given to Load
	ArchiveSmall   int64 // JSON documents and names of one archive given to Load, kept in memory
	WindowBytes    uint64
}

// DefaultLimits is generous to real images: public ones stay far below all of these.
func DefaultLimits() Limits {
	return Limits{
		ManifestBytes: 4 << 20, ConfigBytes: 8 << 20, Layers: 512, IndexDepth: 4, IndexEntries: 4096,
		LayerBytes: 128 << 30, ImageBytes: 512 << 30, Ratio: 250, RatioFree: 2 << 30,
		Entries: 2 << 20, Depth: 256, PathBytes: 4096, RecordBytes: 1 << 20, MetaBytes: 256 << 20,
		ArchiveEntries: 65536, ArchiveSmall: 64 << 20, WindowBytes: 128 << 20,
	}
}

// orDefault sets v to def when it is zero.
func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// withDefaults fills zero fields.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	orDefault(&l.ManifestBytes, d.ManifestBytes)
	orDefault(&l.ConfigBytes, d.ConfigBytes)
	orDefault(&l.Layers, d.Layers)
	orDefault(&l.IndexDepth, d.IndexDepth)
	orDefault(&l.IndexEntries, d.IndexEntries)
	orDefault(&l.LayerBytes, d.LayerBytes)
	orDefault(&l.ImageBytes, d.ImageBytes)
	orDefault(&l.Ratio, d.Ratio)
	orDefault(&l.RatioFree, d.RatioFree)
	orDefault(&l.Entries, d.Entries)
	orDefault(&l.Depth, d.Depth)
	orDefault(&l.PathBytes, d.PathBytes)
	orDefault(&l.RecordBytes, d.RecordBytes)
	orDefault(&l.MetaBytes, d.MetaBytes)
	orDefault(&l.ArchiveEntries, d.ArchiveEntries)
	orDefault(&l.ArchiveSmall, d.ArchiveSmall)
	orDefault(&l.WindowBytes, d.WindowBytes)
	return l
}
